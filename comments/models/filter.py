"""What the spam filter has learned, and the counters of the rate limit and the proof of work."""

from django.db import models

from comments.models.comment import Comment, CommentStatus


class Token(models.Model):
    """How many approved comments and how much spam contain a word. The row with an empty text counts all of them."""

    text = models.CharField(max_length=80, primary_key=True)
    # Signed, because unlearning inserts a negative number, which a check constraint would refuse before it is added.
    ham = models.IntegerField(default=0)
    spam = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.text


class Lesson(models.Model):
    """What the filter has learned from one comment, so that exactly this can be unlearned."""

    comment = models.OneToOneField(Comment, on_delete=models.CASCADE, primary_key=True, related_name="lesson")
    status = models.CharField(max_length=8, choices=CommentStatus)
    tokens = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.status}"


class RateCount(models.Model):
    """How often a sender, stored as a hash, did something in a period. The site-wide count has no sender."""

    sender = models.CharField(max_length=64, blank=True)
    period = models.BigIntegerField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "period"], name="rate_count_once")]

    def __str__(self) -> str:
        return str(self.count)


class SpentChallenge(models.Model):
    """A proof of work that was used (comments.rules.proof_of_work). Each is accepted once."""

    nonce = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce
