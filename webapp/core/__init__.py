"""What any web application has: settings, database, logs, headers, access, errors. It knows no case."""
