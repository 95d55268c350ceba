"""Between the web server and the application: who is answered when there is more to do than time."""
