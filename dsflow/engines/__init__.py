"""What runs nodes: `protocol` is the contract, each engine a module or package beside it."""
