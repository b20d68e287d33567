"""The bridge to the model: queue, leases, runner, results."""
