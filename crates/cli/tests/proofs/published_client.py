# Runs the published client, unchanged, against a server of ours. Arguments: its URL, the account, the client's id and
# secret. Each line printed is one fact for the test.
import sys

import dintero
import requests
from dintero.checkout import _default_headers
from dintero.error import AuthError, InvalidRequestBody
from dintero.version import VERSION

url, account, client_id, secret = sys.argv[1:]


def checkout(account, client_id, secret):
    application = {"application_name": "the-shop", "application_version": "1.2.3"}
    client = dintero.Dintero(account, client_id, secret, api_url=url, checkout_url=url, **application)
    return client.checkout()


def refused(account, client_id, secret):
    try:
        checkout(account, client_id, secret)._get_dintero_auth_token()
    except AuthError as error:
        return f"AuthError {error.status_code} {error.headers['Content-Type']}"
    except InvalidRequestBody as error:
        return f"InvalidRequestBody {error.status_code}"


print("version", VERSION)
client = checkout(account, client_id, secret)
token = client._get_dintero_auth_token()
print("token parts", len(token.split(".")))
print("kept", client._get_dintero_auth_token() == token)

headers = {"Authorization": client._get_dintero_auth_header(), "Content-Type": "application/json", **_default_headers}
cards = f"{url}/v1/accounts/{account}/wallets/cards"
made = requests.post(cards, headers=headers, json={"card_id": "a", "amount": 500, "currency": "NOK"})
print("made", made.status_code, made.json()["amount_available"])
print("read", requests.get(f"{cards}/a", headers=headers).json()["status"])

print("wrong secret:", refused(account, client_id, "wrong"))
print("unknown client:", refused(account, "nobody", secret))
print("unknown account:", refused("T99999999", client_id, secret))
print("malformed account:", refused("nonsense", client_id, secret))
