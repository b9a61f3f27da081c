package funcs

func numberTemplates() []Func { return nil }
