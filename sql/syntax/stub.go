package syntax

func (p *parser) create() Stmt  { return p.unsupported(objectKinds) }
func (p *parser) alter() Stmt   { return p.unsupported(objectKinds) }
func (p *parser) drop() Stmt    { return p.unsupported(objectKinds) }
func (p *parser) grant() Stmt   { return p.unsupported(nil) }
func (p *parser) comment() Stmt { return p.unsupported(nil) }
func (p *parser) refresh() Stmt { return p.unsupported(nil) }
