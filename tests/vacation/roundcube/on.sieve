require ["vacation"];
# rule:[Vacation]
if true
{
	vacation :days 3 :addresses "anna@example.test" :subject "Away" "Back on Monday.";
}
