package catalog

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// logExtension is the extension that has what stands beside the tables of users. Its OID is one of those that come with the
// server, so that programs which write down what there is leave it out.
const logExtension datum.OID = 14

// Extensions that are there from the beginning.
var builtinExtensions = []struct {
	oid, schema            datum.OID
	name, version, comment string
}{
	{13, 11, "plpgsql", "1.0", "PL/pgSQL procedural language"},
	{logExtension, 2200, "allsource", "1.0", "the log of events, its views and functions"},
}

// Extension returns what CREATE EXTENSION made of a name, or nil, and whether the extension came with the server.
func (c *Catalog) Extension(name string) (o *ExtensionObject, builtin bool) {
	for _, b := range builtinExtensions {
		builtin = builtin || b.name == name
	}
	for _, x := range c.Objects() {
		if e, ok := x.(*ExtensionObject); ok && e.Name == name {
			return e, builtin
		}
	}
	return nil, builtin
}

// ExtensionFunction reports whether a schema has an extension with a function of this name.
func (c *Catalog) ExtensionFunction(schema, function string) bool {
	for _, x := range c.Objects() {
		if e, ok := x.(*ExtensionObject); ok && c.SchemaName(e.Schema) == schema {
			if i := funcs.Extension(e.Name); i != nil && slices.Contains(i.Functions, function) {
				return true
			}
		}
	}
	return false
}

func extensionRows(c *Catalog, t *rows) {
	for _, b := range builtinExtensions {
		t.add(row{"oid": b.oid, "extname": b.name, "extowner": superuser, "extnamespace": b.schema, "extversion": b.version})
	}
	for _, x := range c.Objects() {
		if e, ok := x.(*ExtensionObject); ok {
			t.add(row{"oid": e.ID, "extname": e.Name, "extowner": superuser, "extnamespace": e.Schema, "extrelocatable": true, "extversion": e.Version})
		}
	}
}

// availableExtensions calls f for everything that CREATE EXTENSION knows.
func (c *Catalog) availableExtensions(f func(name, version, comment string, installed any)) {
	for _, b := range builtinExtensions {
		f(b.name, b.version, b.comment, b.version)
	}
	for i := range funcs.Extensions {
		x := &funcs.Extensions[i]
		var installed any
		if e, _ := c.Extension(x.Name); e != nil {
			installed = e.Version
		}
		f(x.Name, x.Version, x.Comment, installed)
	}
}

func availableRows(c *Catalog, t *rows) {
	c.availableExtensions(func(name, version, comment string, installed any) {
		t.add(row{"name": name, "default_version": version, "installed_version": installed, "comment": comment})
	})
}

func availableVersionRows(c *Catalog, t *rows) {
	c.availableExtensions(func(name, version, comment string, installed any) {
		t.add(row{"name": name, "version": version, "installed": installed != nil, "superuser": true, "trusted": true, "relocatable": installed != version,
			"comment": comment})
	})
}
