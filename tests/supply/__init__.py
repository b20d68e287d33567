"""Commands on what the program is made of: known advisories, licences, the bill of materials."""
