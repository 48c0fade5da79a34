require ["copy"];
# rule:[Forward]
if true
{
	redirect :copy "boss@elsewhere.test";
	stop;
}
