"""What is kept of an uploaded file while a request is read, before anybody knows who sent it."""

from django.core.files.uploadhandler import FileUploadHandler

# More than any form takes: it then sees that the file is too large. The largest is batches' table.
LARGEST = 8 * 1024 * 1024 + 1


class DropTheRest(FileUploadHandler):
    """The first of the handlers: what is beyond is read and forgotten, so that nobody fills the disk."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start < LARGEST else None

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - the next handler makes the file
        return None
