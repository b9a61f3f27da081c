package funcs

import "github.com/allsource-db/allsource/sql/datum"

// comparisons are the OIDs of the six comparison operators for every pair of types that PostgreSQL compares directly.
var comparisons = []struct {
	left, right            datum.OID
	eq, ne, lt, le, gt, ge datum.OID
}{
	{datum.Bit, datum.Bit, 1784, 1785, 1786, 1788, 1787, 1789},
	{datum.Varbit, datum.Varbit, 1804, 1805, 1806, 1808, 1807, 1809},
	{datum.Money, datum.Money, 900, 901, 902, 904, 903, 905},
	{datum.Bool, datum.Bool, 91, 85, 58, 1694, 59, 1695},
	{datum.Bytea, datum.Bytea, 1955, 1956, 1957, 1958, 1959, 1960},
	{datum.Char, datum.Char, 92, 630, 631, 632, 633, 634},
	{datum.Name, datum.Name, 93, 643, 660, 661, 662, 663},
	{datum.Name, datum.Text, 254, 259, 255, 256, 258, 257},
	{datum.Int8, datum.Int8, 410, 411, 412, 414, 413, 415},
	{datum.Int8, datum.Int2, 1868, 1869, 1870, 1872, 1871, 1873},
	{datum.Int8, datum.Int4, 416, 417, 418, 420, 419, 430},
	{datum.Int2, datum.Int8, 1862, 1863, 1864, 1866, 1865, 1867},
	{datum.Int2, datum.Int2, 94, 519, 95, 522, 520, 524},
	{datum.Int2, datum.Int4, 532, 538, 534, 540, 536, 542},
	{datum.Int4, datum.Int8, 15, 36, 37, 80, 76, 82},
	{datum.Int4, datum.Int2, 533, 539, 535, 541, 537, 543},
	{datum.Int4, datum.Int4, 96, 518, 97, 523, 521, 525},
	{datum.Text, datum.Name, 260, 265, 261, 262, 264, 263},
	{datum.Text, datum.Text, 98, 531, 664, 665, 666, 667},
	{datum.Oid, datum.Oid, 607, 608, 609, 611, 610, 612},
	{datum.OidVector, datum.OidVector, 649, 644, 645, 647, 646, 648},
	{datum.Float4, datum.Float4, 620, 621, 622, 624, 623, 625},
	{datum.Float4, datum.Float8, 1120, 1121, 1122, 1124, 1123, 1125},
	{datum.Float8, datum.Float4, 1130, 1131, 1132, 1134, 1133, 1135},
	{datum.Float8, datum.Float8, 670, 671, 672, 673, 674, 675},
	{datum.BPChar, datum.BPChar, 1054, 1057, 1058, 1059, 1060, 1061},
	{datum.Date, datum.Date, 1093, 1094, 1095, 1096, 1097, 1098},
	{datum.Date, datum.Timestamp, 2347, 2350, 2345, 2346, 2349, 2348},
	{datum.Date, datum.TimestampTZ, 2360, 2363, 2358, 2359, 2362, 2361},
	{datum.Time, datum.Time, 1108, 1109, 1110, 1111, 1112, 1113},
	{datum.Timestamp, datum.Date, 2373, 2376, 2371, 2372, 2375, 2374},
	{datum.Timestamp, datum.Timestamp, 2060, 2061, 2062, 2063, 2064, 2065},
	{datum.Timestamp, datum.TimestampTZ, 2536, 2539, 2534, 2535, 2538, 2537},
	{datum.TimestampTZ, datum.Date, 2386, 2389, 2384, 2385, 2388, 2387},
	{datum.TimestampTZ, datum.Timestamp, 2542, 2545, 2540, 2541, 2544, 2543},
	{datum.TimestampTZ, datum.TimestampTZ, 1320, 1321, 1322, 1323, 1324, 1325},
	{datum.Interval, datum.Interval, 1330, 1331, 1332, 1333, 1334, 1335},
	{datum.TimeTZ, datum.TimeTZ, 1550, 1551, 1552, 1553, 1554, 1555},
	{datum.Numeric, datum.Numeric, 1752, 1753, 1754, 1755, 1756, 1757},
	{datum.Record, datum.Record, 2988, 2989, 2990, 2992, 2991, 2993},
	{datum.AnyArray, datum.AnyArray, 1070, 1071, 1072, 1074, 1073, 1075},
	{datum.UUID, datum.UUID, 2972, 2973, 2974, 2976, 2975, 2977},
}
