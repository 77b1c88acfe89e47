"""The event hub, its log and its subscriptions."""
