package funcs

// scalarTables are all the tables of functions, by topic.
func scalarTables() [][]Func {
	return [][]Func{
		mathFuncs, degreeFuncs(), bitFuncs(), textFuncs(), datetimeFuncs(), arrayFuncs(), seriesFuncs(),
		jsonFuncs, jsonMoreFuncs(), jsonRecordFuncs(), systemFuncs(), systemMoreFuncs(), accessFuncs(), extensionFuncs(), typeIOFuncs(), boundFuncs(), pathFuncs(), hashFuncs(), inetFuncs(), stateFuncs(), momentFuncs(), entityFuncs(), analyticsFuncs(), bucketFuncs(), operatorFuncs(), enumFuncs(),
	}
}

// operatorTables are all the tables of operators, by topic.
func operatorTables() [][]Func {
	return [][]Func{
		compareOperators(), arithOperators(), bitOperators(), textOperators(), datetimeOperators(), arrayOperators(), jsonOperators, pathOperators(), inetOperators(),
	}
}
