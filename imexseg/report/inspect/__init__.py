"""What `imexseg inspect` shows of a network: its kernels as derivatives, decay lengths, stability limits."""
