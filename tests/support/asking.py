"""Requests that the packages of `support.channels` answer, and what they give."""

from __future__ import annotations

SET_2_1_0 = (
    "pytorch=2.1.0=py3.11_cuda12.1_cudnn8.9.2_0",
    "torchvision=0.16.0=py311_cu121",
    "torchaudio=2.1.0=py311_cu121",
)
ASK_2_1_0 = ("--cuda", "12.1", "--python", "3.11", "pytorch=2.1.0", "torchvision", "torchaudio")
PYTORCH_2_5_1 = "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0"
ASK_2_5_1 = ("--cuda", "12.4", "--python", "3.12", "pytorch=2.5.1", "torchvision")
