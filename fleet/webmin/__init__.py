"""A simulation of Webmin with Virtualmin: what its remote API answers, without a mail server behind it."""
