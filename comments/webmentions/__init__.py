"""Webmentions: this site and others tell each other about the links between them.

Source: W3C Recommendation, "Webmention", 2017. The modules refer to its sections.
"""
