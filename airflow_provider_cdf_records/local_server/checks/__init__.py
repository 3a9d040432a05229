"""Facts about CDF, the errors it answers with, and checks of JSON and of property values."""
