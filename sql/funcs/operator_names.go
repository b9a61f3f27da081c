package funcs

import "github.com/allsource-db/allsource/sql/datum"

// operatorNames are the functions behind operators, which PostgreSQL lets one call by name: operator, function, name.
var operatorNames = []struct {
	operator, oid datum.OID
	name          string
}{
	{15, 852, "int48eq"}, {36, 853, "int48ne"}, {37, 854, "int48lt"}, {58, 56, "boollt"}, {59, 57, "boolgt"}, {76, 855, "int48gt"},
	{80, 856, "int48le"}, {82, 857, "int48ge"}, {85, 84, "boolne"}, {91, 60, "booleq"}, {92, 61, "chareq"}, {93, 62, "nameeq"}, {94, 63, "int2eq"},
	{95, 64, "int2lt"}, {96, 65, "int4eq"}, {97, 66, "int4lt"}, {98, 67, "texteq"}, {254, 240, "nameeqtext"}, {255, 241, "namelttext"},
	{256, 242, "nameletext"}, {257, 243, "namegetext"}, {258, 244, "namegttext"}, {259, 245, "namenetext"}, {260, 247, "texteqname"},
	{261, 248, "textltname"}, {262, 249, "textlename"}, {263, 250, "textgename"}, {264, 251, "textgtname"}, {265, 252, "textnename"},
	{410, 467, "int8eq"}, {411, 468, "int8ne"}, {412, 469, "int8lt"}, {413, 470, "int8gt"}, {414, 471, "int8le"}, {415, 472, "int8ge"},
	{416, 474, "int84eq"}, {417, 475, "int84ne"}, {418, 476, "int84lt"}, {419, 477, "int84gt"}, {420, 478, "int84le"}, {430, 479, "int84ge"},
	{439, 945, "int8mod"}, {473, 1230, "int8abs"}, {484, 462, "int8um"}, {514, 141, "int4mul"}, {518, 144, "int4ne"}, {519, 145, "int2ne"},
	{520, 146, "int2gt"}, {521, 147, "int4gt"}, {522, 148, "int2le"}, {523, 149, "int4le"}, {524, 151, "int2ge"}, {525, 150, "int4ge"},
	{526, 152, "int2mul"}, {527, 153, "int2div"}, {528, 154, "int4div"}, {529, 155, "int2mod"}, {530, 156, "int4mod"}, {531, 157, "textne"},
	{532, 158, "int24eq"}, {533, 159, "int42eq"}, {534, 160, "int24lt"}, {535, 161, "int42lt"}, {536, 162, "int24gt"}, {537, 163, "int42gt"},
	{538, 164, "int24ne"}, {539, 165, "int42ne"}, {540, 166, "int24le"}, {541, 167, "int42le"}, {542, 168, "int24ge"}, {543, 169, "int42ge"},
	{544, 170, "int24mul"}, {545, 171, "int42mul"}, {546, 172, "int24div"}, {547, 173, "int42div"}, {550, 176, "int2pl"}, {551, 177, "int4pl"},
	{552, 178, "int24pl"}, {553, 179, "int42pl"}, {554, 180, "int2mi"}, {555, 181, "int4mi"}, {556, 182, "int24mi"}, {557, 183, "int42mi"},
	{558, 212, "int4um"}, {559, 213, "int2um"}, {584, 206, "float4um"}, {585, 220, "float8um"}, {586, 204, "float4pl"}, {587, 205, "float4mi"},
	{588, 203, "float4div"}, {589, 202, "float4mul"}, {590, 207, "float4abs"}, {591, 218, "float8pl"}, {592, 219, "float8mi"}, {593, 217, "float8div"},
	{594, 216, "float8mul"}, {595, 221, "float8abs"}, {596, 230, "dsqrt"}, {597, 231, "dcbrt"}, {607, 184, "oideq"}, {608, 185, "oidne"},
	{609, 716, "oidlt"}, {610, 1638, "oidgt"}, {611, 717, "oidle"}, {612, 1639, "oidge"}, {620, 287, "float4eq"}, {621, 288, "float4ne"},
	{622, 289, "float4lt"}, {623, 291, "float4gt"}, {624, 290, "float4le"}, {625, 292, "float4ge"}, {630, 70, "charne"}, {631, 1246, "charlt"},
	{632, 72, "charle"}, {633, 73, "chargt"}, {634, 74, "charge"}, {639, 79, "nameregexeq"}, {640, 1252, "nameregexne"}, {643, 659, "namene"},
	{644, 619, "oidvectorne"}, {645, 677, "oidvectorlt"}, {646, 681, "oidvectorgt"}, {647, 678, "oidvectorle"}, {648, 680, "oidvectorge"},
	{649, 679, "oidvectoreq"}, {660, 655, "namelt"}, {661, 656, "namele"}, {662, 657, "namegt"}, {663, 658, "namege"}, {664, 740, "text_lt"},
	{665, 741, "text_le"}, {666, 742, "text_gt"}, {667, 743, "text_ge"}, {670, 293, "float8eq"}, {671, 294, "float8ne"}, {672, 295, "float8lt"},
	{673, 296, "float8le"}, {674, 297, "float8gt"}, {675, 298, "float8ge"}, {682, 1253, "int2abs"}, {684, 463, "int8pl"}, {685, 464, "int8mi"},
	{686, 465, "int8mul"}, {687, 466, "int8div"}, {688, 1274, "int84pl"}, {689, 1275, "int84mi"}, {690, 1276, "int84mul"}, {691, 1277, "int84div"},
	{692, 1278, "int48pl"}, {693, 1279, "int48mi"}, {694, 1280, "int48mul"}, {695, 1281, "int48div"}, {773, 1251, "int4abs"}, {818, 837, "int82pl"},
	{819, 838, "int82mi"}, {820, 839, "int82mul"}, {821, 840, "int82div"}, {822, 841, "int28pl"}, {823, 942, "int28mi"}, {824, 943, "int28mul"},
	{825, 948, "int28div"}, {900, 888, "cash_eq"}, {901, 889, "cash_ne"}, {902, 890, "cash_lt"}, {903, 892, "cash_gt"}, {904, 891, "cash_le"},
	{905, 893, "cash_ge"}, {965, 232, "dpow"}, {1038, 1739, "numeric_power"}, {1054, 1048, "bpchareq"}, {1055, 1658, "bpcharregexeq"},
	{1056, 1659, "bpcharregexne"}, {1057, 1053, "bpcharne"}, {1058, 1049, "bpcharlt"}, {1059, 1050, "bpcharle"}, {1060, 1051, "bpchargt"},
	{1061, 1052, "bpcharge"}, {1070, 744, "array_eq"}, {1071, 390, "array_ne"}, {1072, 391, "array_lt"}, {1073, 392, "array_gt"},
	{1074, 393, "array_le"}, {1075, 396, "array_ge"}, {1076, 2071, "date_pl_interval"}, {1077, 2072, "date_mi_interval"}, {1093, 1086, "date_eq"},
	{1094, 1091, "date_ne"}, {1095, 1087, "date_lt"}, {1096, 1088, "date_le"}, {1097, 1089, "date_gt"}, {1098, 1090, "date_ge"},
	{1099, 1140, "date_mi"}, {1100, 1141, "date_pli"}, {1101, 1142, "date_mii"}, {1108, 1145, "time_eq"}, {1109, 1106, "time_ne"},
	{1110, 1102, "time_lt"}, {1111, 1103, "time_le"}, {1112, 1104, "time_gt"}, {1113, 1105, "time_ge"}, {1116, 281, "float48pl"},
	{1117, 282, "float48mi"}, {1118, 280, "float48div"}, {1119, 279, "float48mul"}, {1120, 299, "float48eq"}, {1121, 300, "float48ne"},
	{1122, 301, "float48lt"}, {1123, 303, "float48gt"}, {1124, 302, "float48le"}, {1125, 304, "float48ge"}, {1126, 285, "float84pl"},
	{1127, 286, "float84mi"}, {1128, 284, "float84div"}, {1129, 283, "float84mul"}, {1130, 305, "float84eq"}, {1131, 306, "float84ne"},
	{1132, 307, "float84lt"}, {1133, 309, "float84gt"}, {1134, 308, "float84le"}, {1135, 310, "float84ge"}, {1207, 858, "namelike"},
	{1208, 859, "namenlike"}, {1211, 1631, "bpcharlike"}, {1212, 1632, "bpcharnlike"}, {1226, 1240, "nameicregexeq"}, {1227, 1241, "nameicregexne"},
	{1234, 1656, "bpcharicregexeq"}, {1235, 1657, "bpcharicregexne"}, {1320, 1152, "timestamptz_eq"}, {1321, 1153, "timestamptz_ne"},
	{1322, 1154, "timestamptz_lt"}, {1323, 1155, "timestamptz_le"}, {1324, 1157, "timestamptz_gt"}, {1325, 1156, "timestamptz_ge"},
	{1327, 1189, "timestamptz_pl_interval"}, {1328, 1188, "timestamptz_mi"}, {1329, 1190, "timestamptz_mi_interval"}, {1330, 1162, "interval_eq"},
	{1331, 1163, "interval_ne"}, {1332, 1164, "interval_lt"}, {1333, 1165, "interval_le"}, {1334, 1167, "interval_gt"}, {1335, 1166, "interval_ge"},
	{1336, 1168, "interval_um"}, {1337, 1169, "interval_pl"}, {1338, 1170, "interval_mi"}, {1360, 1272, "datetime_pl"}, {1361, 1297, "datetimetz_pl"},
	{1363, 1296, "timedate_pl"}, {1366, 1298, "timetzdate_pl"}, {1399, 1690, "time_mi_time"}, {1550, 1352, "timetz_eq"}, {1551, 1353, "timetz_ne"},
	{1552, 1354, "timetz_lt"}, {1553, 1355, "timetz_le"}, {1554, 1357, "timetz_gt"}, {1555, 1356, "timetz_ge"}, {1583, 1618, "interval_mul"},
	{1584, 1624, "mul_d_interval"}, {1585, 1326, "interval_div"}, {1625, 1635, "nameiclike"}, {1626, 1636, "nameicnlike"}, {1629, 1660, "bpchariclike"},
	{1630, 1661, "bpcharicnlike"}, {1694, 1691, "boolle"}, {1695, 1692, "boolge"}, {1751, 1771, "numeric_uminus"}, {1752, 1718, "numeric_eq"},
	{1753, 1719, "numeric_ne"}, {1754, 1722, "numeric_lt"}, {1755, 1723, "numeric_le"}, {1756, 1720, "numeric_gt"}, {1757, 1721, "numeric_ge"},
	{1758, 1724, "numeric_add"}, {1759, 1725, "numeric_sub"}, {1760, 1726, "numeric_mul"}, {1761, 1727, "numeric_div"}, {1762, 1729, "numeric_mod"},
	{1763, 1704, "numeric_abs"}, {1784, 1581, "biteq"}, {1785, 1582, "bitne"}, {1786, 1595, "bitlt"}, {1787, 1593, "bitgt"}, {1788, 1594, "bitle"},
	{1789, 1592, "bitge"}, {1791, 1673, "bitand"}, {1792, 1674, "bitor"}, {1793, 1675, "bitxor"}, {1794, 1676, "bitnot"}, {1795, 1677, "bitshiftleft"},
	{1796, 1678, "bitshiftright"}, {1797, 1679, "bitcat"}, {1800, 1747, "time_pl_interval"}, {1801, 1748, "time_mi_interval"},
	{1802, 1749, "timetz_pl_interval"}, {1803, 1750, "timetz_mi_interval"}, {1804, 1666, "varbiteq"}, {1805, 1667, "varbitne"},
	{1806, 1671, "varbitlt"}, {1807, 1669, "varbitgt"}, {1808, 1670, "varbitle"}, {1809, 1668, "varbitge"}, {1849, 1848, "interval_pl_time"},
	{1862, 1850, "int28eq"}, {1863, 1851, "int28ne"}, {1864, 1852, "int28lt"}, {1865, 1853, "int28gt"}, {1866, 1854, "int28le"},
	{1867, 1855, "int28ge"}, {1868, 1856, "int82eq"}, {1869, 1857, "int82ne"}, {1870, 1858, "int82lt"}, {1871, 1859, "int82gt"},
	{1872, 1860, "int82le"}, {1873, 1861, "int82ge"}, {1874, 1892, "int2and"}, {1875, 1893, "int2or"}, {1876, 1894, "int2xor"}, {1877, 1895, "int2not"},
	{1878, 1896, "int2shl"}, {1879, 1897, "int2shr"}, {1880, 1898, "int4and"}, {1881, 1899, "int4or"}, {1882, 1900, "int4xor"}, {1883, 1901, "int4not"},
	{1884, 1902, "int4shl"}, {1885, 1903, "int4shr"}, {1886, 1904, "int8and"}, {1887, 1905, "int8or"}, {1888, 1906, "int8xor"}, {1889, 1907, "int8not"},
	{1890, 1908, "int8shl"}, {1891, 1909, "int8shr"}, {1916, 1910, "int8up"}, {1917, 1911, "int2up"}, {1918, 1912, "int4up"}, {1919, 1913, "float4up"},
	{1920, 1914, "float8up"}, {1921, 1915, "numeric_uplus"}, {1955, 1948, "byteaeq"}, {1956, 1953, "byteane"}, {1957, 1949, "bytealt"},
	{1958, 1950, "byteale"}, {1959, 1951, "byteagt"}, {1960, 1952, "byteage"}, {2016, 2005, "bytealike"}, {2017, 2006, "byteanlike"},
	{2018, 2011, "byteacat"}, {2060, 2052, "timestamp_eq"}, {2061, 2053, "timestamp_ne"}, {2062, 2054, "timestamp_lt"}, {2063, 2055, "timestamp_le"},
	{2064, 2057, "timestamp_gt"}, {2065, 2056, "timestamp_ge"}, {2066, 2032, "timestamp_pl_interval"}, {2067, 2031, "timestamp_mi"},
	{2068, 2033, "timestamp_mi_interval"}, {2345, 2338, "date_lt_timestamp"}, {2346, 2339, "date_le_timestamp"}, {2347, 2340, "date_eq_timestamp"},
	{2348, 2342, "date_ge_timestamp"}, {2349, 2341, "date_gt_timestamp"}, {2350, 2343, "date_ne_timestamp"}, {2358, 2351, "date_lt_timestamptz"},
	{2359, 2352, "date_le_timestamptz"}, {2360, 2353, "date_eq_timestamptz"}, {2361, 2355, "date_ge_timestamptz"}, {2362, 2354, "date_gt_timestamptz"},
	{2363, 2356, "date_ne_timestamptz"}, {2371, 2364, "timestamp_lt_date"}, {2372, 2365, "timestamp_le_date"}, {2373, 2366, "timestamp_eq_date"},
	{2374, 2368, "timestamp_ge_date"}, {2375, 2367, "timestamp_gt_date"}, {2376, 2369, "timestamp_ne_date"}, {2384, 2377, "timestamptz_lt_date"},
	{2385, 2378, "timestamptz_le_date"}, {2386, 2379, "timestamptz_eq_date"}, {2387, 2381, "timestamptz_ge_date"}, {2388, 2380, "timestamptz_gt_date"},
	{2389, 2382, "timestamptz_ne_date"}, {2534, 2520, "timestamp_lt_timestamptz"}, {2535, 2521, "timestamp_le_timestamptz"},
	{2536, 2522, "timestamp_eq_timestamptz"}, {2537, 2524, "timestamp_ge_timestamptz"}, {2538, 2523, "timestamp_gt_timestamptz"},
	{2539, 2525, "timestamp_ne_timestamptz"}, {2540, 2527, "timestamptz_lt_timestamp"}, {2541, 2528, "timestamptz_le_timestamp"},
	{2542, 2529, "timestamptz_eq_timestamp"}, {2543, 2531, "timestamptz_ge_timestamp"}, {2544, 2530, "timestamptz_gt_timestamp"},
	{2545, 2532, "timestamptz_ne_timestamp"}, {2551, 2546, "interval_pl_date"}, {2552, 2547, "interval_pl_timetz"},
	{2553, 2548, "interval_pl_timestamp"}, {2554, 2549, "interval_pl_timestamptz"}, {2555, 2550, "integer_pl_date"}, {2750, 2747, "arrayoverlap"},
	{2751, 2748, "arraycontains"}, {2752, 2749, "arraycontained"}, {2779, 2003, "textanycat"}, {2780, 2004, "anytextcat"}, {2972, 2956, "uuid_eq"},
	{2973, 2959, "uuid_ne"}, {2974, 2954, "uuid_lt"}, {2975, 2958, "uuid_gt"}, {2976, 2955, "uuid_le"}, {2977, 2957, "uuid_ge"},
	{2988, 2981, "record_eq"}, {2989, 2982, "record_ne"}, {2990, 2983, "record_lt"}, {2991, 2984, "record_gt"}, {2992, 2985, "record_le"},
	{2993, 2986, "record_ge"}, {3240, 4043, "jsonb_eq"}, {3241, 4038, "jsonb_ne"}, {3242, 4039, "jsonb_lt"}, {3243, 4040, "jsonb_gt"},
	{3244, 4041, "jsonb_le"}, {3245, 4042, "jsonb_ge"}, {3962, 3947, "json_object_field"}, {3963, 3948, "json_object_field_text"},
	{3964, 3949, "json_array_element"}, {3965, 3950, "json_array_element_text"},
	{1201, 920, "network_eq"}, {1202, 925, "network_ne"}, {1203, 921, "network_lt"}, {1204, 922, "network_le"}, {1205, 923, "network_gt"},
	{1206, 924, "network_ge"}, {1220, 830, "macaddr_eq"}, {1221, 835, "macaddr_ne"}, {1222, 831, "macaddr_lt"}, {1223, 832, "macaddr_le"},
	{1224, 833, "macaddr_gt"}, {1225, 834, "macaddr_ge"}, {3222, 3233, "pg_lsn_eq"}, {3223, 3236, "pg_lsn_ne"}, {3224, 3231, "pg_lsn_lt"},
	{3225, 3235, "pg_lsn_gt"}, {3226, 3232, "pg_lsn_le"}, {3227, 3234, "pg_lsn_ge"}, {5068, 5084, "xid8eq"}, {5072, 5085, "xid8ne"},
	{5073, 5034, "xid8lt"}, {5074, 5035, "xid8gt"}, {5075, 5036, "xid8le"}, {5076, 5037, "xid8ge"},
}

// operatorFuncs are the operators as functions.
func operatorFuncs() []Func {
	byOID := map[datum.OID]*Func{}
	for _, t := range operatorTables() {
		for i := range t {
			byOID[t[i].OID] = &t[i]
		}
	}
	out := make([]Func, 0, len(operatorNames))
	for _, n := range operatorNames {
		f := *byOID[n.operator]
		f.OID, f.Name = n.oid, n.name
		out = append(out, f)
	}
	return out
}
