"""Installation: ``pip install -e ".[cpu]"`` (or ``[gpu]``), then
``pip install --no-deps paddleclas==2.4.2``.

Paddle is in the extras only: a GPU installation of it must never be replaced by the CPU package.
PaddleClas is in none of them: the last wheel that carries the training engine (2.4.2) pins
libraries that current Pythons do not have, so it is installed without its dependencies, which are
listed here instead.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = next(line.split('"')[1]
               for line in (HERE / "paddle_transfer/__init__.py").read_text().splitlines()
               if line.startswith("__version__"))

# What PaddleClas's training engine imports, without the pins of its wheel.
ENGINE = ["easydict", "matplotlib", "opencv-python-headless", "pillow", "prettytable", "requests",
          "scipy", "setuptools", "six", "ujson"]


class BuildWithConfigs(build_py):
    """Puts the shipped configs, which stand beside the package, into the wheel's package."""

    def run(self):
        super().run()
        if not self.editable_mode:
            shutil.copytree(HERE / "ppcls_configs",
                            Path(self.build_lib, "paddle_transfer", "ppcls_configs"),
                            dirs_exist_ok=True)


setup(
    name="paddle_transfer",
    version=VERSION,
    description="Transfer learning searches for PaddleClas: settings as good as a full grid's in "
                "few trainings",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["paddle_transfer", "paddle_transfer.*"]),
    package_data={"paddle_transfer": ["py.typed", "**/*.json", "**/*.yaml",
                                     "report/html/templates/**/*"]},
    cmdclass={"build_py": BuildWithConfigs},
    entry_points={"console_scripts": ["paddle-transfer = paddle_transfer.cli.main:main"]},
    python_requires=">=3.10,<3.13",
    install_requires=["filelock>=3.30", "jinja2>=3", "numpy", "optuna>=4.0", "pillow", "plotly>=6",
                      "pydantic>=2.10", "pyyaml", "rich>=13", "scikit-learn",
                      "scikit-optimize>=0.10", "threadpoolctl>=3", "visualdl>=2.5"],
    extras_require={
        "cpu": ["paddlepaddle>=2.6", *ENGINE],
        # The newest paddlepaddle-gpu of PyPI is 2.6.2, which was built for numpy 1.
        "gpu": ["paddlepaddle-gpu>=2.6", "numpy<2", *ENGINE],
        "ray": ["ray>=2.9"],
        # event files, and what shows them
        "tensorboard": ["tensorboard>=2.14", "tensorboardX>=2.6"],
        "dashboard": ["optuna-dashboard>=0.17"],
        "postgresql": ["psycopg[binary]>=3.1"],
        # the site: make docs. jieba finds the words of Chinese pages for its search
        "docs": ["jieba", "mkdocs-material>=9.6", "mkdocs-static-i18n>=1.3",
                 "mkdocstrings[python]>=0.27"],
        "dev": [
            # the report in a browser (chromium) of the system, and its accessibility
            "axe-playwright-python", "playwright",
            "build", "hypothesis", "mypy>=1.11", "optuna-dashboard", "pandas", "pandas-stubs",
            "pre-commit", "psycopg[binary]", "pytest>=8", "pytest-timeout", "pytest-xdist>=3.3",
            "ray>=2.9", "ruff>=0.9", "scipy-stubs", "tensorboard", "tensorboardX>=2.6",
            "types-PyYAML", "types-requests",
            # for python -m build --no-isolation where setuptools is older than 70.1
            "wheel<0.46",
        ],
    },
)
