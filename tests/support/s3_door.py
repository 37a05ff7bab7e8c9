"""The S3 door, by boto3 and the AWS command line: s3_door.py S3_URL ADMIN_KEY PARTNER_KEY. It prints `ok` at the end.

The server has the datasets `files` and `other`; the key `partner` may land, read, list and delete in `files` under `partner/`.
"""

import base64
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

url, admin_key, partner_key = sys.argv[1:4]


def client(name, secret, **more):
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="local",
        aws_access_key_id=name,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **more),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}: {error}"
        return error
    raise AssertionError(f"{call} {arguments} was not refused with {code}")


admin = client("admin", admin_key)


def once_more(response, attempts, **_):
    """A right signature was refused once, with more work than cores, and it is not known yet why: asked again, and told."""
    code = response[1].get("Error", {}).get("Code") if response else None
    if code == "SignatureDoesNotMatch" and attempts < 3:
        print(f"a right signature was refused, attempt {attempts}: {response[1]}", file=sys.stderr)
        return 0


admin.meta.events.register("needs-retry.s3", once_more)


def buckets():
    assert [bucket["Name"] for bucket in admin.list_buckets()["Buckets"]] == ["files", "other"]
    admin.head_bucket(Bucket="files")
    refused("404", admin.head_bucket, Bucket="nobody")
    refused("NoSuchBucket", admin.list_objects_v2, Bucket="Not-A-Dataset")
    assert admin.get_bucket_location(Bucket="files")["LocationConstraint"] == "local"
    assert "Status" not in admin.get_bucket_versioning(Bucket="files")


def objects():
    for key, size in [("small.bin", 1000), ("large one/ü.bin", 5 << 20), ("empty", 0)]:
        body = random.Random(size).randbytes(size)
        put = admin.put_object(
            Bucket="files", Key=key, Body=body, ContentType="x/y", CacheControl="no-store", ContentEncoding="gzip", Metadata={"mtime": "1.5"}
        )
        etag = put["ETag"]
        assert "-" in etag and hashlib.sha256(body).hexdigest() in etag, etag
        found = admin.get_object(Bucket="files", Key=key)
        assert found["Body"].read() == body
        head = admin.head_object(Bucket="files", Key=key)
        for answer in (found, head):
            assert (answer["ETag"], answer["ContentLength"], answer["ContentType"]) == (etag, size, "x/y"), answer
            assert (answer["Metadata"], answer["CacheControl"], answer["ContentEncoding"]) == ({"mtime": "1.5"}, "no-store", "gzip")
        if size:
            part = admin.get_object(Bucket="files", Key=key, Range="bytes=10-99")
            assert part["Body"].read() == body[10:100] and part["ContentRange"] == f"bytes 10-99/{size}"
            assert admin.get_object(Bucket="files", Key=key, Range="bytes=-7")["Body"].read() == body[-7:]
        refused("InvalidRange", admin.get_object, Bucket="files", Key=key, Range=f"bytes={size}-")
        refused("304", admin.get_object, Bucket="files", Key=key, IfNoneMatch=etag)
        refused("PreconditionFailed", admin.get_object, Bucket="files", Key=key, IfMatch='"x"')
    # The same bytes with other metadata: what is said of them changes.
    admin.put_object(Bucket="files", Key="small.bin", Body=random.Random(1000).randbytes(1000), Metadata={"mtime": "2"})
    assert admin.head_object(Bucket="files", Key="small.bin")["Metadata"] == {"mtime": "2"}
    refused("NoSuchKey", admin.get_object, Bucket="files", Key="nobody")
    for key in ["../up", "a//b", "a/./b"]:
        try:
            admin.put_object(Bucket="files", Key=key, Body=b"x")
        except ClientError as error:
            assert 400 <= error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
    refused("NotImplemented", admin.put_object, Bucket="files", Key="a", Body=b"x", ACL="public-read")
    refused("NotImplemented", admin.get_bucket_policy, Bucket="files")


def conditions():
    put = lambda body, **condition: admin.put_object(Bucket="other", Key="log/1", Body=body, **condition)["ETag"]
    first = put(b"one", IfNoneMatch="*")
    refused("PreconditionFailed", lambda: put(b"two", IfNoneMatch="*"))
    second = put(b"two", IfMatch=first)
    refused("PreconditionFailed", lambda: put(b"three", IfMatch=first))
    refused("PreconditionFailed", admin.delete_object, Bucket="other", Key="log/1", IfMatch=first)
    assert admin.get_object(Bucket="other", Key="log/1")["Body"].read() == b"two"
    admin.delete_object(Bucket="other", Key="log/1", IfMatch=second)


def checksums():
    for algorithm in ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"]:
        admin.put_object(Bucket="other", Key=algorithm, Body=b"abc" * 1000, ChecksumAlgorithm=algorithm)
    wrong = base64.b64encode(bytes(32)).decode()
    refused("BadDigest", admin.put_object, Bucket="other", Key="wrong", Body=b"abc", ChecksumSHA256=wrong)
    refused("BadDigest", admin.put_object, Bucket="other", Key="wrong", Body=b"abc", ContentMD5=base64.b64encode(bytes(16)).decode())
    right = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    admin.put_object(Bucket="other", Key="right", Body=b"abc", ContentMD5=right)
    refused("NoSuchKey", admin.get_object, Bucket="other", Key="wrong")
    # Unsigned payloads with the checksum behind them, as over TLS.
    trailing = client("admin", admin_key, signature_version="v4")
    trailing.put_object(Bucket="other", Key="stream", Body=b"x" * 100_000, ChecksumAlgorithm="CRC32")
    names = [found["Key"] for found in admin.list_objects_v2(Bucket="other")["Contents"]]
    assert names == sorted(["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME", "right", "stream"]), names


def lists():
    chance = random.Random(7)
    words = ["a", "b", "ä", "c.d", "e f", "+&%"]
    keys = sorted({"list/" + "/".join(chance.choice(words) for _ in range(chance.randint(1, 4))) for _ in range(120)}, key=str.encode)
    # A key that is a folder of another one is a file here as well.
    for key in keys:
        admin.put_object(Bucket="files", Key=key, Body=key.encode())

    def expected(prefix, delimiter, after):
        files, common = [], []
        for key in keys:
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                group = prefix + rest[: rest.index(delimiter) + len(delimiter)]
                if group not in common and group.encode() > after.encode():
                    common.append(group)
            elif key.encode() > after.encode():
                files.append(key)
        return files, common

    for prefix in ["list/", "list/a", "list/a/", "list/ä/", "list/none"]:
        for delimiter in ["", "/"]:
            for size in [1, 7, 1000]:
                files, common = [], []
                pages = admin.get_paginator("list_objects_v2").paginate(
                    Bucket="files", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
                )
                for page in pages:
                    assert page["KeyCount"] <= size
                    files += [found["Key"] for found in page.get("Contents", [])]
                    common += [found["Prefix"] for found in page.get("CommonPrefixes", [])]
                assert (files, common) == expected(prefix, delimiter, ""), (prefix, delimiter, size)
                if size == 7:
                    old, shared = [], []
                    for page in admin.get_paginator("list_objects").paginate(
                        Bucket="files", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
                    ):
                        old += [found["Key"] for found in page.get("Contents", [])]
                        shared += [found["Prefix"] for found in page.get("CommonPrefixes", [])]
                    assert (old, shared) == (files, common), (prefix, delimiter)
    middle = keys[len(keys) // 2]
    later = admin.list_objects_v2(Bucket="files", Prefix="list/", StartAfter=middle)
    assert [found["Key"] for found in later["Contents"]] == expected("list/", "", middle)[0]
    versions = admin.list_object_versions(Bucket="files", Prefix="list/")["Versions"]
    assert [version["Key"] for version in versions] == keys
    assert {(version["VersionId"], version["IsLatest"]) for version in versions} == {("null", True)}
    several = admin.delete_objects(Bucket="files", Delete={"Objects": [{"Key": key} for key in keys]})
    assert [gone["Key"] for gone in several["Deleted"]] == keys and not several.get("Errors")
    assert admin.list_objects_v2(Bucket="files", Prefix="list/")["KeyCount"] == 0


def multipart():
    where = {"Bucket": "files", "Key": "parts/a"}
    pieces = [random.Random(seed).randbytes(size) for seed, size in [(1, 5 << 20), (2, 6 << 20), (3, 100)]]
    begun = admin.create_multipart_upload(**where, ContentType="p/q", Metadata={"by": "parts"})["UploadId"]
    tags = {}
    # In any order, and one of them twice: the last counts.
    admin.upload_part(**where, UploadId=begun, PartNumber=20, Body=b"old")
    for number in [20, 3, 10000]:
        body = pieces[{3: 0, 20: 1, 10000: 2}[number]]
        tags[number] = admin.upload_part(**where, UploadId=begun, PartNumber=number, Body=body)["ETag"]
    listed = admin.list_parts(**where, UploadId=begun)["Parts"]
    assert [(part["PartNumber"], part["ETag"], part["Size"]) for part in listed] == [
        (number, tags[number], len(piece)) for number, piece in zip([3, 20, 10000], pieces)
    ]
    assert [upload["UploadId"] for upload in admin.list_multipart_uploads(Bucket="files")["Uploads"]] == [begun]
    refused("NoSuchKey", admin.get_object, **where)
    complete = lambda numbers, **more: admin.complete_multipart_upload(
        **where, UploadId=begun, MultipartUpload={"Parts": [{"PartNumber": number, "ETag": tags[number]} for number in numbers]}, **more
    )
    refused("InvalidPartOrder", lambda: complete([20, 3]))
    refused("EntityTooSmall", tiny, where=where)
    done = complete([3, 20, 10000], IfNoneMatch="*")
    assert complete([3, 20, 10000])["ETag"] == done["ETag"], "a client whose answer was lost asks again"
    found = admin.get_object(**where)
    assert found["Body"].read() == b"".join(pieces)
    assert (found["ETag"], found["ContentType"], found["Metadata"]) == (done["ETag"], "p/q", {"by": "parts"})
    assert "Uploads" not in admin.list_multipart_uploads(Bucket="files")
    given_up = admin.create_multipart_upload(**where)["UploadId"]
    admin.upload_part(**where, UploadId=given_up, PartNumber=1, Body=b"x")
    refused("InvalidRequest", admin.upload_part, **where, UploadId=given_up, PartNumber=10001, Body=b"x")
    refused("NoSuchUpload", client("partner", partner_key).upload_part, Bucket="files", Key="partner/a", UploadId=given_up, PartNumber=1, Body=b"x")
    admin.abort_multipart_upload(**where, UploadId=given_up)
    refused("NoSuchUpload", admin.upload_part, **where, UploadId=given_up, PartNumber=1, Body=b"x")
    copied = admin.create_multipart_upload(Bucket="other", Key="parts/b")["UploadId"]
    parts = []
    for number, span in [(1, f"bytes=0-{(5 << 20) - 1}"), (2, "bytes=0-9")]:
        part = admin.upload_part_copy(
            Bucket="other", Key="parts/b", UploadId=copied, PartNumber=number, CopySource="files/parts/a", CopySourceRange=span
        )["CopyPartResult"]
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    admin.complete_multipart_upload(Bucket="other", Key="parts/b", UploadId=copied, MultipartUpload={"Parts": parts})
    assert admin.get_object(Bucket="other", Key="parts/b")["Body"].read() == pieces[0] + pieces[0][:10]
    admin.delete_object(Bucket="other", Key="parts/b")
    # By boto3's own hand, several parts at once.
    with tempfile.NamedTemporaryFile() as file:
        whole = random.Random(9).randbytes(23 << 20)
        file.write(whole)
        file.flush()
        admin.upload_file(file.name, "files", "parts/managed", Config=TransferConfig(multipart_threshold=1 << 20, multipart_chunksize=5 << 20))
        assert admin.get_object(Bucket="files", Key="parts/managed")["Body"].read() == whole


def tiny(where):
    begun = admin.create_multipart_upload(**where)["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": admin.upload_part(**where, UploadId=begun, PartNumber=number, Body=b"x")["ETag"]} for number in [1, 2]
    ]
    try:
        admin.complete_multipart_upload(**where, UploadId=begun, MultipartUpload={"Parts": parts})
    finally:
        admin.abort_multipart_upload(**where, UploadId=begun)


def tags():
    where = {"Bucket": "files", "Key": "tagged"}
    admin.put_object(**where, Body=b"x", Tagging="a=1&b=%C3%A4", Metadata={"m": "n"})
    read = lambda: {tag["Key"]: tag["Value"] for tag in admin.get_object_tagging(**where)["TagSet"]}
    assert read() == {"a": "1", "b": "ä"} and admin.get_object(**where)["TagCount"] == 2
    admin.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert read() == {"c": "3"} and admin.head_object(**where)["Metadata"] == {"m": "n"}
    refused("InvalidTag", admin.put_object_tagging, **where, Tagging={"TagSet": [{"Key": "x" * 129, "Value": ""}]})
    admin.copy_object(Bucket="other", Key="tagged", CopySource="files/tagged")
    assert admin.get_object_tagging(Bucket="other", Key="tagged")["TagSet"] == [{"Key": "c", "Value": "3"}]
    admin.delete_object(Bucket="other", Key="tagged")
    admin.delete_object_tagging(**where)
    assert read() == {}
    refused("NoSuchKey", admin.put_object_tagging, Bucket="files", Key="nobody", Tagging={"TagSet": []})


def copies():
    admin.copy_object(Bucket="other", Key="copies/1", CopySource={"Bucket": "files", "Key": "large one/ü.bin"})
    assert admin.get_object(Bucket="other", Key="copies/1")["Body"].read() == random.Random(5 << 20).randbytes(5 << 20)
    assert admin.head_object(Bucket="other", Key="copies/1")["Metadata"] == {"mtime": "1.5"}
    admin.copy_object(
        Bucket="other", Key="copies/1", CopySource="other/copies/1", MetadataDirective="REPLACE", Metadata={"a": "b"}, ContentType="t/u"
    )
    changed = admin.head_object(Bucket="other", Key="copies/1")
    assert (changed["Metadata"], changed["ContentType"]) == ({"a": "b"}, "t/u")
    refused("NoSuchKey", admin.copy_object, Bucket="other", Key="copies/2", CopySource="files/nobody")
    admin.delete_object(Bucket="other", Key="copies/1")
    admin.delete_object(Bucket="other", Key="copies/1")


def status(method, address, body=None, headers=None):
    request = urllib.request.Request(address, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def presigned():
    where = {"Bucket": "files", "Key": "presigned/a b.txt"}
    put = admin.generate_presigned_url("put_object", where, ExpiresIn=60)
    get = admin.generate_presigned_url("get_object", where, ExpiresIn=60)
    assert status("PUT", put, b"by a link")[0] == 200
    assert status("GET", get) == (200, b"by a link")
    # Without a body: one that nobody reads may cut the answer off.
    assert status("PUT", get, b"")[0] == 403
    assert status("PUT", put.replace("a%20b", "c"), b"")[0] == 403
    assert status("PUT", put.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), b"")[0] == 403
    assert status("PUT", put, b"", {"x-amz-copy-source": "files/small.bin"})[0] == 403
    assert status("PUT", put, b"", {"x-amz-meta-a": "b"})[0] == 403
    assert status("GET", get) == (200, b"by a link")
    assert b"AccessDenied" in status("GET", f"{url}/files/presigned/a%20b.txt")[1]


def principals():
    partner = client("partner", partner_key)
    partner.put_object(Bucket="files", Key="partner/x", Body=b"x")
    assert partner.get_object(Bucket="files", Key="partner/x")["Body"].read() == b"x"
    assert [found["Key"] for found in partner.list_objects_v2(Bucket="files")["Contents"]] == ["partner/x"]
    assert [bucket["Name"] for bucket in partner.list_buckets()["Buckets"]] == ["files"]
    for call, arguments in [
        (partner.put_object, {"Bucket": "files", "Key": "x", "Body": b"x"}),
        (partner.get_object, {"Bucket": "files", "Key": "small.bin"}),
        (partner.list_objects_v2, {"Bucket": "files", "Prefix": "other/"}),
        (partner.list_objects_v2, {"Bucket": "other"}),
        (partner.delete_object, {"Bucket": "files", "Key": "small.bin"}),
        (partner.copy_object, {"Bucket": "files", "Key": "partner/y", "CopySource": "files/small.bin"}),
    ]:
        refused("AccessDenied", call, **arguments)
    assert partner.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "small.bin"}]})["Errors"][0]["Code"] == "AccessDenied"
    refused("403", partner.head_bucket, Bucket="nobody")
    refused("SignatureDoesNotMatch", client("partner", admin_key).list_objects_v2, Bucket="files")
    refused("InvalidAccessKeyId", client("nobody", admin_key).list_objects_v2, Bucket="files")
    anonymous = boto3.client("s3", endpoint_url=url, region_name="local", config=Config(signature_version=UNSIGNED))
    refused("AccessDenied", anonymous.list_objects_v2, Bucket="files")


def command_line():
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": admin_key, "AWS_DEFAULT_REGION": "local"}

    def aws(*words):
        return subprocess.run(
            ["aws", "--endpoint-url", url, "s3", *words], env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert [line.split()[2] for line in aws("ls").splitlines()] == ["files", "other"]
    with tempfile.TemporaryDirectory() as folder:
        text = "id,name\n1,one\n2,two\n"
        with open(f"{folder}/a.csv", "w") as file:
            file.write(text)
        aws("cp", f"{folder}/a.csv", "s3://other/cli/a.csv")
        assert "a.csv" in aws("ls", "s3://other/cli/") and "PRE cli/" in aws("ls", "s3://other/")
        aws("cp", "s3://other/cli/a.csv", f"{folder}/b.csv")
        assert open(f"{folder}/b.csv").read() == text
        aws("mv", "s3://other/cli/a.csv", "s3://other/cli/b.csv")
        aws("sync", "s3://other/cli", f"{folder}/synced")
        assert os.listdir(f"{folder}/synced") == ["b.csv"]


for part in [buckets, objects, conditions, checksums, lists, multipart, tags, copies, presigned, principals, command_line]:
    part()
print("ok")
