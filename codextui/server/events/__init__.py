"""The event hub with its log and subscriptions, and the hub of legacy events."""
