package main

import (
	"path/filepath"
	"strings"
)

// kind is how a value of a payload is read.
type kind int

const (
	text kind = iota
	number
	boolean
)

// path leads to a value of the payload.
type path struct {
	keys []string
	kind kind
}

func at(k kind, keys ...string) path { return path{keys: keys, kind: k} }

// profile says what the questions are about in one log. A path without keys drops the questions that need it.
type profile struct {
	logs []string // the beginnings of the names of the files it is for

	Group, Amount, Other, Equal, Nested, Like path
	Value, Pattern                            string // looked for in Equal and Like
	Much                                      string // few amounts are larger
	First, Second, Visit                      string // event types: First leads to Second, Visit comes again and again
	From, To, Until                           string // days
	Entity                                    string
	// Sparse: not every event has every path, so that answers hold NULL.
	Sparse bool
	// Ordered: the times ascend, so that the log can be imported as recorded and asked as of its middle.
	Ordered bool
}

var profiles = []profile{
	{
		logs: []string{"shoplog"}, Ordered: true,
		Group: at(text, "country"), Amount: at(number, "amount"), Other: at(number, "latency_ms"), Much: "990",
		Equal: at(text, "sku"), Value: "SKU-00042", Nested: at(boolean, "user", "vip"), Like: at(text, "path"), Pattern: "%/ee7",
		First: "order.created", Second: "order.paid", Visit: "user.login",
		From: "2026-03-01", To: "2026-03-08", Until: "2026-04-01", Entity: "orde-241",
	},
	{
		logs: []string{"rails_history"}, Sparse: true,
		Group: at(text, "tz"), Amount: at(number, "lag_s"), Other: at(number, "stats", "modified"), Much: "86400",
		Equal: at(text, "commit"), Value: "87b3e226d65a", Nested: at(number, "stats", "deleted"), Like: at(text, "blob"), Pattern: "%ee7",
		First: "file.added", Second: "file.deleted", Visit: "commit.authored",
		From: "2013-04-15", To: "2013-04-22", Until: "2014-01-01", Entity: "file:rails/activerecord/CHANGELOG",
	},
	{
		logs: []string{"rails_2013"}, Sparse: true, Ordered: true,
		Group: at(text, "tz"), Amount: at(number, "lag_s"), Other: at(number, "stats", "modified"), Much: "86400",
		Equal: at(text, "mode"), Value: "100755", Nested: at(number, "stats", "deleted"), Like: at(text, "blob"), Pattern: "%ee7",
		First: "file.added", Second: "file.deleted", Visit: "commit.authored",
		From: "2013-04-15", To: "2013-04-22", Until: "2014-01-01",
	},
	{
		logs: []string{"bpic2012"}, Sparse: true, Ordered: true,
		Group: at(text, "case", "AMOUNT_REQ"), Amount: at(number, "case", "AMOUNT_REQ"), Other: at(number, "case", "AMOUNT_REQ"), Much: "50000",
		Equal: at(text, "case", "AMOUNT_REQ"), Value: "20000", Like: at(text, "case", "REG_DATE"), Pattern: "%+01:00",
		First: "A_SUBMITTED.COMPLETE", Second: "A_APPROVED.COMPLETE", Visit: "W_Completeren_aanvraag.START",
		From: "2011-12-05", To: "2011-12-12", Until: "2012-01-01", Entity: "loan/184652",
	},
	{
		logs: []string{"github_webhooks"}, Sparse: true,
		Group: at(text, "action"), Amount: at(number, "sender", "id"), Other: at(number, "repository", "id"), Much: "1000000",
		Equal: at(text, "sender", "login"), Value: "Codertocat", Nested: at(boolean, "repository", "private"), Like: at(text, "repository", "full_name"), Pattern: "%repo",
		First: "issues.opened", Second: "issues.closed", Visit: "push",
		From: "2019-05-15", To: "2019-05-16", Until: "2020-01-01",
	},
}

// profileOf finds the profile of a file by its name.
func profileOf(file string) (profile, bool) {
	for _, p := range profiles {
		for _, begins := range p.logs {
			if strings.HasPrefix(filepath.Base(file), begins) {
				return p, true
			}
		}
	}
	return profile{}, false
}
