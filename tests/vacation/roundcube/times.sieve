require ["date","relational","vacation"];
# rule:[Vacation]
if allof (currentdate :zone "+0200" :value "ge" "iso8601" "2026-06-01T08:00:00+02:00", currentdate :zone "+0200" :value "le" "iso8601" "2026-06-14T18:00:00+02:00")
{
	vacation :days 3 :addresses "anna@example.test" :from "=?UTF-8?B?QW5uYQ==?= <anna@example.test>" "Back on Monday.";
}
