"""How a run should be, from the data, the device it is for and the time there is: `imexseg plan`, and `train` without --model."""
