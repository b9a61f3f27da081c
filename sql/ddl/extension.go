package ddl

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// createExtension notes that an extension was asked for whose functions are there anyway.
func (p *planner) createExtension(s *syntax.CreateExtension) error {
	old, builtin := p.cat.Extension(s.Name)
	info := funcs.Extension(s.Name)
	switch {
	case (old != nil || builtin) && s.IfNotExists:
		p.notice(pgerr.DuplicateObject, "extension %q already exists, skipping", s.Name)
		return nil
	case old != nil || builtin:
		return pgerr.New(pgerr.DuplicateObject, "extension %q already exists", s.Name)
	case info == nil:
		return pgerr.New(pgerr.FeatureNotSupported, "extension %q is not available", s.Name).
			WithHint("What the server can do is built in; pg_available_extensions lists the extensions that may be named.")
	case s.Version != "" && s.Version != info.Version:
		return pgerr.New(pgerr.InvalidParameterValue, "extension %q has no installation script nor update path for version %q", s.Name, s.Version)
	}
	o := &catalog.ExtensionObject{Version: info.Version}
	o.Name, o.Comment = info.Name, info.Comment
	n := syntax.Name{s.Name}
	if s.Schema != "" {
		n = syntax.Name{s.Schema, s.Name}
	}
	var err error
	if _, o.Schema, err = p.creation(n, false, s); err != nil {
		return err
	}
	if err := p.ids(&o.ID); err != nil {
		return err
	}
	p.put(o)
	return nil
}

// extensionObject finds what CREATE EXTENSION made.
func (p *planner) extensionObject(name string, missingOK bool) (catalog.Object, error) {
	switch o, builtin := p.cat.Extension(name); {
	case o != nil:
		return o, nil
	case builtin:
		return nil, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop extension %s because it is required by the database system", name)
	}
	return nil, p.missing(missingOK, pgerr.UndefinedObject, "extension %q does not exist", name)
}
