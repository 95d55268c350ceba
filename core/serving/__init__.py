"""Between the web server and the application: which requests are answered under overload."""
