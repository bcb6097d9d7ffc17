"""Hosted WebDAV (RFC 4918, class 1 and 2): the same logins, folders and rules as the hosted SFTP, asked by HTTP."""
