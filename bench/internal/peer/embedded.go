package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Embedded is a database without a server, DuckDB or ClickHouse, open in a process of its own that answers questions.
type Embedded struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	logs    *tail
}

// Answer is what a question gave: its rows as text, nil for NULL, and the time from asking to the last row.
type Answer struct {
	Rows [][][]byte
	Took time.Duration
}

// OpenEmbedded opens the store that the system's own script loaded into folder, or a new one where there is none; scripts is the folder of
// the scripts.
func OpenEmbedded(ctx context.Context, scripts, system, folder string) (*Embedded, error) {
	cmd := exec.CommandContext(ctx, "node", "ask.mjs", system, folder)
	cmd.Dir = scripts
	logs := &tail{}
	cmd.Stderr = logs
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Embedded{process: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20), logs: logs}, nil
}

// Ask asks one question and waits for its answer.
func (e *Embedded) Ask(sql string) (Answer, error) {
	question, err := json.Marshal(sql)
	if err != nil {
		return Answer{}, err
	}
	if _, err := e.in.Write(append(question, '\n')); err != nil {
		return Answer{}, fmt.Errorf("%w\n%s", err, e.logs)
	}
	line, err := e.out.ReadBytes('\n')
	if err != nil {
		return Answer{}, fmt.Errorf("%w\n%s", err, e.logs)
	}
	var told struct {
		Error   string              `json:"error"`
		Seconds float64             `json:"seconds"`
		Rows    [][]json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(line, &told); err != nil {
		return Answer{}, err
	}
	if told.Error != "" {
		return Answer{}, errors.New(told.Error)
	}
	answer := Answer{Took: time.Duration(told.Seconds * float64(time.Second))}
	for _, row := range told.Rows {
		cells := make([][]byte, len(row))
		for i, raw := range row {
			if cells[i], err = cell(raw); err != nil {
				return Answer{}, err
			}
		}
		answer.Rows = append(answer.Rows, cells)
	}
	return answer, nil
}

// cell is the text of a JSON value: a string without its quotes, nil for null, anything else as it stands.
func cell(raw json.RawMessage) ([]byte, error) {
	switch {
	case bytes.Equal(raw, []byte("null")):
		return nil, nil
	case len(raw) > 0 && raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return []byte(s), err
	}
	return raw, nil
}

// Close ends the process.
func (e *Embedded) Close() error {
	return errors.Join(e.in.Close(), e.process.Wait())
}
