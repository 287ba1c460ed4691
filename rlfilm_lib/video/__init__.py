"""Video as data: data sets, features, and what summaries and generated clips are measured by."""
