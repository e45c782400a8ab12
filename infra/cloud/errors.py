"""What can go wrong between us and the cloud, by what the caller can do about it."""

from __future__ import annotations

from infra.errors import InfraError


class CloudError(InfraError):
    """The cloud answered something that cannot be used; the message holds the call and the answer."""

    code = "cloud_error"


class CredentialsMissing(CloudError):
    """No credentials for the cloud; set OS_AUTH_URL, OS_USERNAME and OS_PASSWORD, or OS_CLOUD."""

    code = "credentials_missing"


class CredentialsRefused(CloudError):
    """Keystone refused the credentials; check user, password, project and domains."""

    code = "credentials_refused"


class NotFound(CloudError):
    """What was asked for does not exist in the cloud."""

    code = "not_found"


class Conflict(CloudError):
    """The cloud holds something that stands in the way: a name that is taken, a thing still in use."""

    code = "conflict"


class Refused(CloudError):
    """The cloud refused the request as wrong or not allowed; trying again will not help."""

    code = "refused"


class QuotaReached(Refused):
    """The project's quota does not allow this; release something or ask for more."""

    code = "quota_reached"


class Unavailable(CloudError):
    """The cloud does not answer, or says that it is too busy; try again later."""

    code = "unavailable"


class WaitedTooLong(CloudError):
    """Something did not reach its state in time; the message says what, how long, and how it stood."""

    code = "waited_too_long"


class GivenUp(CloudError):
    """Whoever asked does not wait any longer, so the rest of the calls was not made."""

    code = "given_up"


class ServiceMissing(CloudError):
    """The cloud's catalog has no such service in our region; leave out what needs it (--without)."""

    code = "service_missing"


class WentWrong(CloudError):
    """Something that was being built ended in an error; the message has the cloud's own reason."""

    code = "went_wrong"
