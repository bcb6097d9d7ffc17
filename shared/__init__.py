"""What more than one service needs, in floors: see ARCHITECTURE.md. Nothing here imports a service."""
