"""Measuring: workloads, live runs, replay of recorded runs, reports."""
