"""What `imexseg inspect` shows about a network: its kernels as derivatives, decay lengths, stability limits."""
