package node

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// defaultPort names the socket where there is no address for Postgres clients whose port would.
const defaultPort = 5433

// longestSocket is how long the name of a Unix socket may be on every system that Go knows.
const longestSocket = 103

// socketName is where libpq looks for the socket of a port in a folder.
func socketName(dir string, port int) string {
	return filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(port))
}

// listenSocket listens on a Unix socket in a folder, which is made if it is not there. Only the user that runs the server may connect, as long
// as nobody is asked who they are. A socket that a process has left behind is replaced.
func listenSocket(dir string, port int) (net.Listener, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := socketName(dir, port)
	if len(name) > longestSocket {
		return nil, fmt.Errorf("the socket %s has a longer name than %d bytes: choose a folder with a shorter one", name, longestSocket)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", name, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("another process listens on %s", name)
	}
	if info, err := os.Lstat(name); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, 0o700); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
