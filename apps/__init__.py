"""What runs exported networks outside of Python: the page in web/. What runs on small boards is `imexseg edge`."""
