package funcs

func parseTemplates() []Func { return nil }
