# This script belongs to the mail portal.
# The portal writes it anew at every change: set your auto-reply and forwarding there, please.
# Rules of your own belong into another script; the one that was active before runs at the end of this one.

require ["date","include","relational","vacation"];
# rule:[Vacation]
if allof (currentdate :zone "+0000" :value "ge" "iso8601" "2026-06-01T06:00:00Z", currentdate :zone "+0000" :value "lt" "iso8601" "2026-06-15T06:00:00Z")
{
	vacation :days 7 :addresses "anna@example.test" :subject "Weg tot dinsdag" :from "\"Anna Jansen\" <anna@example.test>" text:
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Dag,

ik ben terug op dinsdag =E2=80=93 groetjes.

Anna
.
;
}
include :optional :personal "roundcube";
