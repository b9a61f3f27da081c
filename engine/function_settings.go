package engine

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// functionSetting reads SET or RESET among the options of a function (ddl.Context). The value is kept as it was written, and is checked now.
func (s *Session) functionSetting(st syntax.Stmt) (name string, value *string, err error) {
	switch st := st.(type) {
	case *syntax.Reset:
		name = st.Name
	case *syntax.Set:
		name = st.Name
		if value, err = s.settingValue(st); err != nil {
			return "", nil, err
		}
		if st.Current {
			if v, ok := s.vars.get(name); ok {
				value = &v
			}
		}
	}
	if name == "" || isRole(name) {
		return name, value, nil
	}
	known, err := changeable(name)
	if err == nil && value != nil {
		_, err = known.checked(*value)
	}
	if err != nil || known == nil {
		return name, value, err
	}
	return known.name, value, nil
}

// within sets parameters as a function has them, until leave. What was set for the session meanwhile stays.
func (v *vars) within(config []string) (leave func()) {
	v.remember()
	var back []func()
	for _, c := range config {
		name, value, _ := strings.Cut(c, "=")
		key := strings.ToLower(name)
		if isRole(key) {
			continue
		}
		var old *string
		if val, ok := v.session[key]; ok {
			old = &val
		}
		_, wasLocal := v.local[key]
		if v.set(name, value, true) != nil {
			continue // it was a value when the function was made
		}
		back = append(back, func() {
			if _, still := v.local[key]; !still {
				return
			}
			if v.store(key, old); !wasLocal {
				delete(v.local, key)
			}
		})
	}
	return func() {
		for _, b := range slices.Backward(back) {
			b()
		}
	}
}

// settingText is a setting of a function in SQL.
func settingText(config string) string {
	name, value, _ := strings.Cut(config, "=")
	words := []string{value}
	if isPath(name) {
		if words, _ = schemaNames(value); words == nil {
			words = []string{""}
		}
	}
	for i, w := range words {
		words[i] = funcs.QuoteLiteral(w)
	}
	return "SET " + funcs.QuoteIdent(name) + " TO " + strings.Join(words, ", ")
}

func isPath(setting string) bool { return strings.EqualFold(setting, "search_path") }

// checkPath accepts lists of names, an empty one too.
func checkPath(v string) (string, error) {
	if _, ok := schemaNames(v); !ok {
		return "", errBadValue
	}
	return v, nil
}

// schemaNames takes a list of names apart as search_path has it: those without quotes are in lower case.
func schemaNames(list string) (names []string, ok bool) {
	rest := strings.TrimSpace(list)
	for rest != "" {
		name, after, ok := schemaName(rest)
		if !ok {
			return nil, false
		}
		names = append(names, name)
		if rest = strings.TrimSpace(after); rest == "" {
			break
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok || strings.TrimSpace(rest) == "" {
			return nil, false
		}
		rest = strings.TrimSpace(rest)
	}
	return names, true
}

// schemaName reads the first name of a list.
func schemaName(list string) (name, rest string, ok bool) {
	if list[0] != '"' {
		end := strings.IndexAny(list+",", ", \t\n\"")
		return strings.ToLower(list[:end]), list[end:], end > 0
	}
	for i := 1; i < len(list); i++ {
		switch {
		case list[i] != '"':
			name += list[i : i+1]
		case strings.HasPrefix(list[i+1:], `"`):
			name += `"`
			i++
		default:
			return name, list[i+1:], true
		}
	}
	return "", "", false
}
