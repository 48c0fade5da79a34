require ["vacation"];
# rule:[Vacation]
if header :contains "from" "boss"
{
	vacation :days 3 :addresses "anna@example.test" :subject "Away" "Back on Monday.";
}
