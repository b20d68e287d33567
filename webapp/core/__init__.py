"""What any web application needs: settings, database, logs, headers, access, errors. It knows nothing of cases."""
