"""The message bus: doorbells only. A lost, doubled or late message changes nothing but latency."""
