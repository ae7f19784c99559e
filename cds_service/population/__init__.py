"""Many patients at once: a FHIR bulk export judged by one revision, bucket by bucket, to Parquet. Knows no Flask."""
