def write_document():
    pass
