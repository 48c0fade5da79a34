require ["fileinto","vacation"];
# rule:[Invoices]
if header :contains "subject" "invoice"
{
	fileinto "INBOX/Invoices";
	stop;
}
# rule:[Vacation]
if false # true
{
	vacation :days 3 :addresses "anna@example.test" :subject "Away" "Back on Monday.";
}
