"""What imports store beside the posts, pages, comments and terms that they create."""

from wordpress.models.attachments import Attachment, AttachmentQuerySet
from wordpress.models.fragments import Fragment, FragmentKind, ReusableBlock
from wordpress.models.jobs import ACTIVE_STATES, ImportJob, JobState, JobStep
from wordpress.models.ledger import ImportedItem, ImportRun

__all__ = [
    "ACTIVE_STATES",
    "Attachment",
    "AttachmentQuerySet",
    "Fragment",
    "FragmentKind",
    "ImportJob",
    "ImportRun",
    "ImportedItem",
    "JobState",
    "JobStep",
    "ReusableBlock",
]
