"""Streams as message queues, for the provider ``common.messaging``."""
