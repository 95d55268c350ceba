"""Webmentions: links between this site and others that tell each other about them.

Source: W3C Recommendation, "Webmention", 2017. The sections below are those of it.
"""
