"""What the pathologist found."""
