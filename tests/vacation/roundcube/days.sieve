require ["date","fileinto","relational","vacation"];
# rule:[Invoices]
if header :contains "subject" "invoice"
{
	fileinto "INBOX/Invoices";
	stop;
}
# rule:[Vacation]
if allof (currentdate :zone "+0200" :value "ge" "date" "2026-06-01", currentdate :zone "+0200" :value "le" "date" "2026-06-14")
{
	vacation :days 3 :addresses "anna@example.test" :subject "Weg: tot maandag – \"echt\"" text:
Dag "allemaal",

..ik ben terug op maandag.
..

Anna – \o/

.
;
}
