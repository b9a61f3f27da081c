module github.com/allsource-db/allsource/sql/syntax/_oracle

go 1.26.0

require (
	github.com/allsource-db/allsource v0.0.0
	github.com/pganalyze/pg_query_go/v6 v6.2.5
)

require google.golang.org/protobuf v1.36.12 // indirect

replace github.com/allsource-db/allsource => ../../..
