"""The other side is unfit, or not who it was."""

from shared.domain.failures.base import Permanent


class PartnerFailure(Permanent):
    """The partner's server refused us or is not what it was."""

    code = "partner_failure"


class HostKeyFailure(PartnerFailure):
    """The server's host key is not one that was accepted.

    `presented_key` is the key the server showed, in OpenSSH's one-line format; `fingerprint` is its SHA-256
    fingerprint. Both are empty where the server showed none. Public values: they may be stored and shown.
    """

    code = "host_key_failure"

    def __init__(self, detail: str = "", *, presented_key: str = "", fingerprint: str = "") -> None:
        self.presented_key = presented_key
        self.fingerprint = fingerprint
        super().__init__(detail)


class HostKeyUnknown(HostKeyFailure):
    """The server's host key has not been accepted yet."""

    code = "host_key_unknown"
    what_to_do = (
        "Compare the fingerprint with the server's operator and accept it with "
        "POST /v1/connections/{id}/host-keys/accept."
    )


class HostKeyChanged(HostKeyFailure):
    """The server shows another host key than the pinned ones; no credential was sent."""

    code = "host_key_changed"
    what_to_do = (
        "Ask the server's operator whether the key was changed. If so, accept the new fingerprint with "
        "POST /v1/connections/{id}/host-keys/accept; if not, somebody may be in between."
    )


class CertificateFailure(PartnerFailure):
    """The server's certificate is not one that is accepted; no credential was sent.

    `fingerprint` is its SHA-256 fingerprint, by which a person can pin it; empty where the server showed none.
    """

    code = "certificate_failure"

    def __init__(self, detail: str = "", *, fingerprint: str = "") -> None:
        self.fingerprint = fingerprint
        super().__init__(detail)


_PIN = "compare its fingerprint with the server's operator and pin it in the connection's place.certificates."


class CertificateUntrusted(CertificateFailure):
    """No authority that is trusted vouches for the server's certificate; no credential was sent."""

    code = "certificate_untrusted"
    what_to_do = (
        "Have the server's operator use a certificate of a public authority, with the certificates between the two. "
        f"Or {_PIN}"
    )


class CertificateExpired(CertificateFailure):
    """The server's certificate is not valid now; no credential was sent."""

    code = "certificate_expired"
    what_to_do = f"Have the server's operator renew it, then verify the connection. Until then, {_PIN}"


class CertificateMismatch(CertificateFailure):
    """The server's certificate is for another host name; no credential was sent."""

    code = "certificate_mismatch"
    what_to_do = f"Correct the connection's host to a name that the certificate has. Or {_PIN}"


class CertificateChanged(CertificateFailure):
    """The server shows another certificate than the pinned ones; no credential was sent."""

    code = "certificate_changed"
    what_to_do = (
        "Ask the server's operator whether the certificate was changed. If so, pin the new fingerprint in the "
        "connection's place.certificates; if not, somebody may be in between."
    )


class PassiveAddressRefused(PartnerFailure):
    """The server wants files to be fetched from another address than its own."""

    code = "passive_address_refused"
    what_to_do = (
        "Have the server's operator set the address that it tells for passive connections to the one by which it is "
        "reached, or offer EPSV, which tells none."
    )


class LoginRefused(PartnerFailure):
    """The server refused user name, password or key."""

    code = "login_refused"
    what_to_do = "Correct the connection's credentials, then verify it."

    def __init__(self, detail: str = "", *, was_tried: bool = True) -> None:
        self.was_tried = was_tried
        """Whether the server was asked this time; else we know it from another that it refused."""
        super().__init__(detail)


class LoginNotTried(PartnerFailure):
    """The server has refused the same user name and password just before."""

    code = "login_not_tried"
    what_to_do = "Correct username and password; the same are tried again after a minute at the earliest."


class DirectoryMissing(PartnerFailure):
    """The directory does not exist on the server."""

    code = "directory_missing"
    what_to_do = "Create the directory, or correct the goal's directory or the connection's home directory."


class DirectoryNotAllowed(PartnerFailure):
    """The account may not use that local directory."""

    code = "directory_not_allowed"
    what_to_do = "Have the operator allow it, with local_directories of PATCH /v1/accounts/{id}, or use another place."


class AccessDenied(PartnerFailure):
    """The server does not allow this on that directory or file."""

    code = "access_denied"
    what_to_do = "Have the server's operator grant the user the right that is named."


class RenameRefused(PartnerFailure):
    """The server does not let files be renamed, so that a finished file cannot be given its name."""

    code = "rename_refused"
    what_to_do = (
        "Have the server's operator let the user rename and replace files in the directory. Where that cannot be had, "
        "an export's target.direct_write writes under the last name at once; the partner may then see a file that is "
        "still being written."
    )


class NameTaken(PartnerFailure):
    """A file of that name already exists on the server."""

    code = "name_taken"
    what_to_do = "Remove the file, or choose another name in the goal."


class TooManyFiles(PartnerFailure):
    """The directory holds more entries than can be watched."""

    code = "too_many_files"
    what_to_do = "Have finished files moved away or deleted (the goal's afterwards), or use another directory."


class ProtocolRefused(PartnerFailure):
    """The server does not speak a version of the protocol that is safe to use."""

    code = "protocol_refused"
    what_to_do = "Have the server's operator offer current SSH algorithms and the SFTP subsystem."


class TlsRefused(ProtocolRefused):
    """The server offers no TLS that is safe to use."""

    code = "tls_refused"
    what_to_do = "Have the server's operator offer TLS 1.2 or newer. Nothing is ever sent without it."


class PortNotGiven(PartnerFailure):
    """No SFTP server answered on port 21, which counts where a one-shot import names no port."""

    code = "port_not_given"
    what_to_do = "Give the port; SFTP servers listen on 22."


class WebDavRefused(PartnerFailure):
    """The server does not speak WebDAV at that address as it should."""

    code = "webdav_refused"
    what_to_do = "Correct the connection's url: that of a directory, as the server's operator gives it for WebDAV."


class RedirectRefused(PartnerFailure):
    """The server sends us elsewhere, and redirects are not followed."""

    code = "redirect_refused"
    what_to_do = (
        "Ask the server's operator whether that is right. If so, write the new address into the connection, and its "
        "password again."
    )


class UnsupportedKey(PartnerFailure):
    """The key cannot be used."""

    code = "unsupported_key"
    what_to_do = "Give an OpenSSH or PEM private key (ed25519, ecdsa, rsa), with its passphrase if it has one."


class MailRefused(PartnerFailure):
    """The mail server refused the mail for good."""

    code = "mail_refused"
    what_to_do = "Correct the address, or ask the recipient's mail operator why it is refused."
