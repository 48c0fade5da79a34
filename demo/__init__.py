"""The whole portal on loopback with sample people and real mail servers: to try out, to check, to test on."""
